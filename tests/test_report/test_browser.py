"""The page in a real browser: messages, requests, widths and clicks."""

import shutil

import pytest

from tests.test_apis.conftest import save  # noqa: F401
from tests.test_cli.test_report import run  # noqa: F401
from tests.test_export.conftest import CHROMIUM

# Playwright leaves an event loop to a process: one has all of these tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser')]


@pytest.fixture(scope='module')
def chromium():
    playwright = pytest.importorskip('playwright.sync_api')
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(f'none of {", ".join(CHROMIUM)} is installed')
    with (
        playwright.sync_playwright() as started,
        started.chromium.launch(
            executable_path=path,
            args=['--no-sandbox'],  # as root it has none
        ) as found,
    ):
        yield found


def test_a_report_in_the_browser(run, chromium, tmp_path):  # noqa: F811
    run(models=2)
    address = (tmp_path / 'r.html').as_uri()
    for width, scheme in ((1200, 'light'), (390, 'dark')):
        page = chromium.new_page(
            viewport=dict(width=width, height=900), color_scheme=scheme
        )
        said, asked = [], []
        page.on('console', lambda message, said=said: said.append(message))
        page.on('pageerror', lambda error, said=said: said.append(error))
        page.on('request', lambda request, asked=asked: asked.append(request))
        page.goto(address)
        assert said == []
        elsewhere = [r.url for r in asked if not r.url.startswith('data:')]
        assert elsewhere == [address]
        size = 'document.documentElement.scrollWidth'
        assert page.evaluate(size) == width
        links = page.locator('nav a')
        titles = page.locator('section h2').all_inner_texts()
        assert links.all_inner_texts() == titles
        assert len(titles) == 10  # all but groups
        for section in page.locator('section').all():
            assert len(section.screenshot()) > 2000
        page.close()


def test_print(run, chromium, tmp_path):  # noqa: F811
    """On A4 with margins, dark screen or not: light, and no table is cut."""
    run(models=2)
    page = chromium.new_page(
        viewport=dict(width=703, height=1000), color_scheme='dark'
    )
    page.goto((tmp_path / 'r.html').as_uri())
    page.emulate_media(media='print')
    colour = 'getComputedStyle(document.body).backgroundColor'
    assert page.evaluate(colour) == 'rgb(255, 255, 255)'
    assert page.evaluate('document.documentElement.scrollWidth') == 703
    for table in page.locator('table').all():
        box = table.bounding_box()
        assert box['x'] + box['width'] <= 703
    for image in page.locator('img').all():
        assert image.evaluate('x => x.complete && x.naturalWidth > 0')
    page.close()


def test_clicks(run, chromium, tmp_path):  # noqa: F811
    run()
    page = chromium.new_page()
    page.goto((tmp_path / 'r.html').as_uri())
    table = page.locator('#confusion')
    rows = table.locator('tbody tr')
    original = rows.all_inner_texts()
    head = table.locator('thead th').nth(2)

    def column():
        return [float(row.split()[2]) for row in rows.all_inner_texts()]

    head.click()
    assert column() == sorted(column(), reverse=True)
    head.press('Enter')
    assert column() == sorted(column())
    head.click()
    assert rows.all_inner_texts() == original
    page.locator('#unit').click()
    counts = [int(x) for x in rows.nth(0).inner_text().split()[1:]]
    assert sum(counts[:-1]) == counts[-1] == 4
    page.close()
