# 4 context vectors instead of 10.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(num_context=4)))
