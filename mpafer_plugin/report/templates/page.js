for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const original = [...body.rows];
  const value = cell => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = Number.parseFloat(text);
    return Number.isNaN(number) ? text : number;
  };
  const sort = (head, column) => {
    const state = head.getAttribute('aria-sort');
    const next = {descending: 'ascending', ascending: null}[state];
    const order = state === null ? 'descending' : next;
    heads.forEach(other => other.removeAttribute('aria-sort'));
    if (!order) return body.append(...original);
    head.setAttribute('aria-sort', order);
    const sign = order === 'ascending' ? 1 : -1;
    body.append(...[...original].sort((a, b) => {
      const x = value(a.cells[column]), y = value(b.cells[column]);
      return sign * (typeof x === 'string' || typeof y === 'string'
        ? String(x).localeCompare(String(y)) : x - y);
    }));
  };
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    head.addEventListener('click', () => sort(head, column));
    head.addEventListener('keydown', event => {
      if (event.key === 'Enter') sort(head, column);
    });
  });
}
const unit = document.getElementById('unit');
unit?.addEventListener('click', () => {
  const counts = document.getElementById('confusion').classList.toggle('counts');
  unit.textContent = counts ? 'Show percent' : 'Show counts';
});
