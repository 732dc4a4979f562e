# The recipe of mpafer_rafdb.py on data and weights shipped with the package:
# drawn faces in RAF-DB's layout, and the small CLIP face-tiny. Nothing is
# downloaded; MPAFER_ARCH and MPAFER_CLIP are ignored.
_base_ = ['mpafer_rafdb.py']

arch = clip_weights = 'face-tiny'
image_size = 64
data_root = '{{$MPAFER_DATA:data}}/synthetic_faces'
tower = dict(arch=arch, pretrained=clip_weights)
model = dict(backbone=tower, head=dict(text=tower))

train_pipeline = _base_.train_pipeline
train_pipeline[1].scale = image_size
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (image_size, image_size)
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1].scale = (image_size, image_size)

dataset = dict(type='SyntheticFaces', data_root=data_root)
train_dataloader = dict(dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))

train_cfg = dict(max_epochs=20)
