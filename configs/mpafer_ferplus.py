# MPA-FER on FERPlus, eight expressions. Published: 91.15 % (ViT-B/16).
_base_ = ['_base_/mpafer.py']

data_root = '{{$MPAFER_DATA:data}}/ferplus'  # holds FER2013Train/ and so on
# Papers differ in the rule and rarely say which; it decides what is counted.
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
