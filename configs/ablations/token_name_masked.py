# L_ta without the class name, which stands in both prompts.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(mask_name=True)))
