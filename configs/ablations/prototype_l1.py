# L_v as the L1 distance rather than cosine (Eq. 7).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_proto=dict(metric='l1')))
