# All three granularities of hard prompts rather than the third.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(granularity='mean')))
