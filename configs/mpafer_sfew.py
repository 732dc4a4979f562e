# MPA-FER on SFEW 2.0, seven expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/sfew'  # contains Train/ and Val/
dataset = dict(type='SFEW', data_root=data_root)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
