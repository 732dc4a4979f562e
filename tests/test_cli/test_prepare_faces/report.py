import csv


def report(folder):
    with (folder / 'crop_report.csv').open(
        newline='', errors='surrogateescape'
    ) as file:
        return {row['path']: row for row in csv.DictReader(file)}
