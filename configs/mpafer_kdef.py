# MPA-FER on KDEF, seven expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/kdef'
# There are no official splits: `test` is one of ten folds, in which
# all images of a person are together.
dataset = dict(type='KDEF', data_root=data_root, folds=10, fold=0)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
