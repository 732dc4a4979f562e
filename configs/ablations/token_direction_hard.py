# L_ta over the hard prompts instead of the soft ones (Eq. 1).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_token=dict(direction='hard')))
