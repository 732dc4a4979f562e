# L_ta without the class name, and a context for each class.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(mask_name=True, class_specific_context=True)))
