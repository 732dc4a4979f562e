"""One small copy of RAF-DB, without pixels, in every layout."""

# 12 training and 3 test images of each class
IMAGES = {
    'train': {f'train_{i:05}': 1 + i % 7 for i in range(1, 85)},
    'test': {f'test_{i:04}': 1 + i % 7 for i in range(1, 22)},
}


def put(path, text=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def official(root):
    lines = []
    for labels in IMAGES.values():
        for name, label in labels.items():
            put(root / f'basic/Image/aligned/{name}_aligned.jpg')
            lines.append(f'{name}.jpg {label}\n')
    put(root / 'basic/EmoLabel/list_patition_label.txt', ''.join(lines))


def apvit(root, images='basic/Image/aligned_224', lists='basic/EmoLabel'):
    for part, labels in IMAGES.items():
        for name in labels:
            put(root / images / f'{name}.jpg')
        lines = (f'{n}_aligned.jpg {i}\n' for n, i in labels.items())
        put(root / lists / f'{part}.txt', ''.join(lines))


def flat_apvit(root):
    apvit(root, 'aligned_224', '.')


def numbered(root, base='DATASET', names=None):
    for part, labels in IMAGES.items():
        for name, i in labels.items():
            folder = names[i - 1] if names else i
            put(root / base / part / f'{folder}/{name}_aligned.jpg')


def kaggle(root, base='DATASET', lists=''):
    numbered(root, base)
    for part, labels in IMAGES.items():
        rows = (f'{n}_aligned.jpg,{i}\n' for n, i in labels.items())
        put(
            root / lists / f'{part}_labels.csv',
            'image,label\n' + ''.join(rows),
        )


def kaggle_inside(root):
    kaggle(root, lists='DATASET')


def named(root):
    names = [
        'Surprised',
        'FEAR',
        'disgust',
        'Happy',
        'sad',
        'Angry',
        'Neutral',
    ]
    numbered(root, '.', names)


def cub(root, images='images'):
    rows = {'images': [], 'image_class_labels': [], 'train_test_split': []}
    number = 0
    for part, labels in IMAGES.items():
        for name, label in labels.items():
            number += 1
            put(root / images / f'{name}.jpg')
            rows['images'].append(f'{number} {name}.jpg')
            rows['image_class_labels'].append(f'{number} {label}')
            rows['train_test_split'].append(f'{number} {int(part == "train")}')
    for name, lines in rows.items():
        put(root / f'{name}.txt', '\n'.join(lines))


def edit(path, old, new):
    text = path.read_bytes().decode()
    assert text.count(old) == 1
    path.write_bytes(text.replace(old, new).encode())
