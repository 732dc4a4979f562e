# MPA-FER on FER2013, seven expressions. The paper reports no result.
_base_ = ['mpafer_rafdb.py']

data_root = '{{$MPAFER_DATA:data}}/fer2013'  # fer2013.csv, or train/ etc.
dataset = dict(type='FER2013', data_root=data_root)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
