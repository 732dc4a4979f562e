# L_ta without the class name, which both prompts contain.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(mask_name=True)))
