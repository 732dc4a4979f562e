# MPA-FER on ExpW, seven expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/expw'  # contains label/ and image/
# There are no official splits: `test` is one of ten folds, in which
# all faces of an image are together.
dataset = dict(type='ExpW', data_root=data_root, folds=10, fold=0)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
