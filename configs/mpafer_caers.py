# MPA-FER on CAER-S, seven expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/caers'  # contains train/ and test/
dataset = dict(type='CAERS', data_root=data_root)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
