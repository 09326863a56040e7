'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, cls) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  document.documentElement.classList.add('scripted');

  // Copy buttons.
  for (const b of document.querySelectorAll('button[data-copy]')) {
    b.hidden = false;
    b.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(b.dataset.copy);
      } catch {
        const t = document.body.appendChild(make('textarea', b.dataset.copy));
        t.select();
        document.execCommand('copy');
        t.remove();
      }
      b.textContent = 'copied';
    });
  }

  // Keys: j and k go from finding to finding, f to the first, / to the search.
  const findings = [...document.querySelectorAll('[data-finding]')];
  let at = -1;
  const go = (i) => {
    if (!findings.length) return;
    at = (i + findings.length) % findings.length;
    const f = findings[at];
    history.replaceState(null, '', '#' + f.id);
    findings.forEach((o) => o.classList.toggle('at', o === f));
    f.focus({ preventScroll: true });
    f.scrollIntoView({ block: 'center' });
  };
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
    if (e.key === 'j') go(at + 1);
    else if (e.key === 'k') go(at > 0 ? at - 1 : -1);
    else if (e.key === 'f') go(0);
    else if (e.key === '/' && $('search')) {
      e.preventDefault();
      $('search').focus();
    }
  });

  // A line that follows the pointer over the timeline, with the clock of the incident.
  const chart = document.querySelector('svg.chart[data-end]');
  if (chart) {
    const ns = 'http://www.w3.org/2000/svg';
    const line = chart.appendChild(document.createElementNS(ns, 'line'));
    const text = chart.appendChild(document.createElementNS(ns, 'text'));
    line.setAttribute('class', 'cross');
    text.setAttribute('class', 'cross');
    const d = chart.dataset;
    const map = d.clock.split(';').map((s) => s.split(',').map(Number));
    const two = (n) => String(Math.floor(n)).padStart(2, '0');
    const clock = (run) => {
      const s = map.filter((m) => run >= m[0]).pop() || map[0];
      const t = s[1] + run - s[0];
      if (d.wall) return new Date((Number(d.wall) + t) * 1000).toISOString().slice(11, 21) + 'Z';
      return Math.floor(t / 3600) + ':' + two((t / 60) % 60) + ':' + two(t % 60);
    };
    const box = chart.viewBox.baseVal;
    const gutter = Number(d.gutter);
    chart.addEventListener('pointermove', (e) => {
      const r = chart.getBoundingClientRect();
      const x = ((e.clientX - r.left) / r.width) * box.width;
      const run = ((x - gutter) / 1000) * Number(d.end);
      const on = run >= 0 && Number(d.end) >= run;
      line.style.display = text.style.display = on ? '' : 'none';
      for (const [k, v] of [['x1', x], ['x2', x], ['y1', 16], ['y2', box.height]]) line.setAttribute(k, v);
      text.setAttribute('x', Math.min(x + 4, gutter + 930));
      text.setAttribute('y', ((e.clientY - r.top) / r.height) * box.height - 6);
      text.textContent = clock(run);
    });
    chart.addEventListener('pointerleave', () => (line.style.display = text.style.display = 'none'));
  }

  // What is linked stands in no closed box.
  const open = () => {
    const t = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
    for (let e = t; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
    if (t) t.scrollIntoView({ block: 'center' });
    return t;
  };

  // The whole history, when the page carries it: search it, look up any event, save it.
  const raw = $('raw');
  let events;
  const unpack = async () => {
    if (events) return events;
    const text = atob(raw.textContent.trim().replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    const plain = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
    events = plain.split('\n').filter(Boolean);
    return events;
  };
  const shown = 200;
  const row = (i, line) => {
    const e = JSON.parse(line);
    const r = make('tr');
    r.id = $('ev-' + i) ? '' : 'ev-' + i;
    const rest = Object.entries(e).filter(([k]) => !['t', 'node', 'seq', 'kind'].includes(k));
    r.append(make('td', i), make('td', (e.t / 1e9).toFixed(3) + ' s', 'n'), make('td', e.node), make('td', e.kind + '  ' + rest.map(([k, v]) => k + '=' + (typeof v === 'object' ? JSON.stringify(v) : v)).join('  ')));
    return r;
  };
  const find = async (want) => {
    const body = $('found');
    const words = want.toLowerCase().split(/\s+/).filter(Boolean);
    body.replaceChildren();
    $('foundbox').hidden = !words.length;
    if (!words.length) return;
    let n = 0;
    const all = await unpack();
    all.forEach((line, i) => {
      const low = line.toLowerCase();
      if (!words.every((w) => low.includes(w)) && want !== '#' + i) return;
      if (n++ >= shown) return;
      body.append(row(i, line));
    });
    $('foundnote').textContent = n > shown ? shown + ' of ' + n + ' events that fit' : n + ' events fit';
  };
  const lookup = () => {
    const m = /^#ev-(\d+)$/.exec(location.hash);
    if (open() || !m || !raw) return;
    $('search').value = '#' + m[1];
    find('#' + m[1]).then(open);
  };
  if (raw) {
    $('tools').hidden = false;
    let wait;
    $('search').addEventListener('input', (e) => {
      clearTimeout(wait);
      wait = setTimeout(() => find(e.target.value), 120);
    });
    $('save').addEventListener('click', async () => {
      const a = make('a');
      a.href = URL.createObjectURL(new Blob([(await unpack()).join('\n') + '\n']));
      a.download = 'history.jsonl';
      a.click();
    });
  }
  addEventListener('hashchange', lookup);
  lookup();
})();
