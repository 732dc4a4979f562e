# L_v as L1 distance instead of cosine (Eq. 7).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_proto=dict(metric='l1')))
