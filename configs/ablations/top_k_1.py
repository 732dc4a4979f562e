# k = 1 instead of 16: the best patch of each class only.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(top_k=1))
