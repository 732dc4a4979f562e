# All three granularities of hard prompts instead of the third.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(granularity='mean')))
