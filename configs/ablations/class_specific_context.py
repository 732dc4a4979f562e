# A context for each class instead of a shared one.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(text=dict(class_specific_context=True)))
