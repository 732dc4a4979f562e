# MPA-FER on FERPlus, eight expressions. Published: 91.15 % (ViT-B/16).
_base_ = ['_base_/mpafer.py']

data_root = '{{$MPAFER_DATA:data}}/ferplus'  # contains FER2013Train/ etc.
# Papers use different rules and rarely state which; results depend on it.
label_rule = 'majority'
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

dataset = dict(type='FERPlus', data_root=data_root, label_rule=label_rule)
train_dataloader = dict(
    dataset=dict(**dataset, split='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(**dataset, split='val', pipeline=_base_.test_pipeline)
)
test_dataloader = dict(
    dataset=dict(**dataset, split='test', pipeline=_base_.test_pipeline)
)
