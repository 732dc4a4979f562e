# Without the local score.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(local_weight=0))
