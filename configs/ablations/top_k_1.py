# k = 1 rather than 16: the best patch of each class alone.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(top_k=1))
