# MPA-FER on RAF-DB, compound expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

classes = [
    'happily surprised',
    'happily disgusted',
    'sadly fearful',
    'sadly angry',
    'sadly surprised',
    'sadly disgusted',
    'fearfully angry',
    'fearfully surprised',
    'angrily surprised',
    'angrily disgusted',
    'disgustedly surprised',
]
model = dict(head=dict(text=dict(classes=classes)))
_loader = dict(dataset=dict(compound=True))
train_dataloader = val_dataloader = test_dataloader = _loader
