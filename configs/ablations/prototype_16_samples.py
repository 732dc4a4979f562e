# Prototypes from 16 images per class instead of all (Eq. 6).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

custom_hooks = [
    hook | dict(samples_per_class=16)
    if hook['type'] == 'PrototypeHook'
    else hook
    for hook in _base_.custom_hooks
]
