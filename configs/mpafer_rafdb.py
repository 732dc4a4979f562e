# MPA-FER on RAF-DB, basic expressions. Published: 92.51 % (ViT-B/16).
_base_ = ['_base_/mpafer.py']

data_root = '{{$MPAFER_DATA:data}}/rafdb'  # contains basic/
classes = [
    'neutral',
    'happiness',
    'sadness',
    'surprise',
    'fear',
    'disgust',
    'anger',
]
model = dict(head=dict(text=dict(classes=classes)))

# RAF-DB has no validation split: the best checkpoint is selected on a
# stratified tenth of the training images, fixed by a seed, never on the test
# set.
dataset = dict(type='RAFDB', data_root=data_root, val_fraction=0.1)
train_dataloader = dict(
    dataset=dict(**dataset, split='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(**dataset, split='val', pipeline=_base_.test_pipeline)
)
test_dataloader = dict(
    dataset=dict(**dataset, split='test', pipeline=_base_.test_pipeline)
)
