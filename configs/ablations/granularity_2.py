# Hard prompts of granularity 2 instead of 3.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(granularity=2)))
