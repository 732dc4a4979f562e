# Without prototypes (L_v).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_proto=None))
