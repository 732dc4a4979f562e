# MPA-FER on CK+, eight expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/ckplus'  # contains cohn-kanade-images/
classes = [
    'neutral',
    'happiness',
    'sadness',
    'surprise',
    'fear',
    'disgust',
    'anger',
    'contempt',
]
model = dict(head=dict(text=dict(classes=classes)))
# There are no official splits: `test` is one of ten folds, in which
# all images of a person are together.
dataset = dict(type='CKPlus', data_root=data_root, folds=10, fold=0)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
