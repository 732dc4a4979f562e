# MPA-FER on AffectNet with contempt. Published: 62.80 % (ViT-B/16).
_base_ = ['mpafer_affectnet7.py']

classes = [*_base_.classes, 'contempt']
model = dict(head=dict(text=dict(classes=classes)))
_loader = dict(dataset=dict(num_classes=len(classes)))
train_dataloader = val_dataloader = test_dataloader = _loader
