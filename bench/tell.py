# SPDX-License-Identifier: Apache-2.0
"""The figures as tables, for the terminal and for docs/performance.md. Ratios are of bfc to the others: below 1 is less
time, or fewer bytes, than theirs."""
import shutil
import sys

from measure import MIB

WIDE = 120  # where nobody says how wide it is
NAME, NAME_LEAST = 30, 14
INDENT = 4


def title(answer):
    if 'tree' in answer:
        return f'{answer["tree"]}: {answer["files"]:,} files, {answer["content_bytes"] / MIB:,.0f} MiB'
    return (f'{answer["image"]}: {answer["layers"]} layers, {answer["coding"]}, {answer["layers_bytes"] / MIB:,.0f} MiB, '
            f'{answer["tar_bytes"] / MIB:,.0f} MiB unpacked')


def jobs_of(answer):
    return {job: f for job, f in answer.items()
            if isinstance(f, dict) and f and all(isinstance(row, dict) and 'seconds_median' in row for row in f.values())}


def told_of_weight(answer):
    """What an image's container consists of, in percent."""
    w, size = answer['weight'], answer['weight']['size']
    parts = {'contents of files': w['contents'], 'recipes': w['recipes'], 'tables': sum(w['tables'].values()),
             'the rest': w['other_blobs'] + w['rest']}
    return (f'container: {size / answer["layers_bytes"]:.3f} of the layers as they came; of it '
            + ', '.join(f'{name} {100 * n / size:.2f} %' for name, n in parts.items()))


def told_of_reads(answer):
    r = answer['random reads']
    return (f'4 KiB at {r["places"]:,} random places: ' + '; '.join(
        f'{name} {r[key]["p50_us"]:.0f} µs, 99 % within {r[key]["p99_us"]:.0f} µs'
        for key, name in (('fresh', 'in a fresh open'), ('fresh_files', 'files drawn evenly'), ('hot', 'read before'))))


def told_of_stages(answer):
    return 'the largest serial stage: ' + '; '.join(
        f'of {job} {told["serial_stage"]} with {100 * told["serial_share"]:.1f} % of the work'
        for job, told in answer['stages'].items())


def remarks(answer):
    return [told(answer) for key, told in (('random reads', told_of_reads), ('stages', told_of_stages),
                                           ('weight', told_of_weight)) if answer.get(key)]


# ── Cells ──

def seconds(f, digits):
    """Milliseconds where it takes but a few."""
    s = f['seconds_median']
    return f'{s:.{digits}f}' if s >= 0.1 else f'{1000 * s:.2f} ms'


def amount(size):
    return f'{size / MIB:.1f}' if size >= MIB // 10 or size == 0 else f'{size / 1024:.1f} KiB'


def spread(f):
    return f'{min(f["bfc_time_ratios"]):.2f}–{max(f["bfc_time_ratios"]):.2f}'


def optional(key, shown):
    return lambda f: shown(f[key]) if f.get(key) is not None else ''


PEAK = lambda f: f'{f["peak_bytes"] / MIB:.0f}' if f['peak_bytes'] else ''
CPU = optional('cpu_median', '{:.2f}'.format)
CPU_RATIO = optional('bfc_cpu_ratio', '{:.2f}'.format)
SIZE = optional('size_bytes', amount)
SIZE_RATIO = optional('bfc_size_ratio', '{:.3f}'.format)

# Heading, width, what is in it, and which column is the first to go where the terminal is too narrow.
COLUMNS = (('time, s', 9, lambda f: seconds(f, 3), 9), ('bfc/it', 7, lambda f: f'{f["bfc_time_ratio"]:.2f}', 8),
           ('rounds', 14, spread, 1), ('CPU, s', 8, CPU, 3), ('bfc/it', 7, CPU_RATIO, 2), ('MiB peak', 9, PEAK, 5),
           ('MiB', 9, SIZE, 7), ('bfc/it', 7, SIZE_RATIO, 6))


# ── On the terminal ──

def width():
    return shutil.get_terminal_size((WIDE, 24)).columns


def fitting(room):
    """The columns that there is room for, and the room for names."""
    kept = list(COLUMNS)
    while sum(c[1] for c in kept) + NAME_LEAST + INDENT > room and len(kept) > 2:
        kept.remove(min(kept, key=lambda c: c[3]))
    return kept, max(NAME_LEAST, min(NAME, room - INDENT - sum(c[1] for c in kept)))


def fold(text, indent='  '):
    """Words in lines as wide as the terminal."""
    lines, room = [''], max(width(), 30)
    for word in text.split(' '):
        if len(indent) + len(lines[-1]) + len(word) + 1 > room and lines[-1]:
            lines.append('')
        lines[-1] += (' ' if lines[-1] else '') + word
    return '\n'.join(indent + line for line in lines)


def status(text=''):
    """What is being done, on one line that goes again; only where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write('\r\x1b[K' + text[:width() - 1])
        sys.stderr.flush()


def print_table(answer):
    print_title(answer)
    print_jobs(answer)


def print_title(answer):
    status()
    print(f'\n{fold(title(answer), "")}', flush=True)


def print_jobs(answer):
    columns, name_width = fitting(width())
    status()
    for job, figures in jobs_of(answer).items():
        heading = job if len(job) <= name_width + 2 else ''
        if not heading:
            print(f'  {job}')
        print(f'  {heading:<{name_width + 2}}' + ''.join(f'{c[0]:>{c[1]}}' for c in columns))
        for name, f in figures.items():
            print(f'    {name[:name_width]:<{name_width}}' + ''.join(f'{c[2](f):>{c[1]}}' for c in columns), flush=True)
    for told in remarks(answer):
        print(fold(told), flush=True)


def shown(goal, got):
    digits = {'': 3, 'times': 2}.get(goal['unit'], 1)
    return f'{got["value"]:.{digits}f}'


def verdict(got):
    return {True: 'met', False: 'NOT met', None: ''}[got['met']]


def print_goals(report):
    if report['goals']:
        print('\nagainst what was asked')
    for goal in report['goals']:
        print(fold(f'{goal["figure"]}: {goal["asked"]}'))
        for name, got in goal['got'].items():
            print(f'    {name[:24]:<24} {shown(goal, got):>9}  {verdict(got)}')


def print_left_out(report):
    if report['left_out']:
        print('\nleft out')
    for entry in report['left_out']:
        print(fold(f'{entry["what"]}: {entry["why"]}'))


# ── In a document ──

def markdown(report):
    lines = circumstances(report)
    for answer in report['trees'] + report['images']:
        lines += [f'### {title(answer)}', '',
                  '| | time, s | **bfc : it** | (rounds) | CPU, s | bfc : it | peak, MiB | size, MiB | bfc : it |',
                  '|---|---:|---:|---|---:|---:|---:|---:|---:|']
        for job, figures in jobs_of(answer).items():
            lines.append(f'| **{job}** | | | | | | | | |')
            lines += [markdown_row(name, f, name == next(iter(figures))) for name, f in figures.items()]
        for told in remarks(answer):
            lines += ['', told[0].upper() + told[1:] + '.']
        lines.append('')
    return '\n'.join(lines + goals_table(report) + left_out(report))


def markdown_row(name, f, subject):
    """The first row is bfc: it has no ratio to itself."""
    ratio = (lambda told: '') if subject else lambda told: told
    return '| ' + ' | '.join([name, seconds(f, 2), ratio(f'**{f["bfc_time_ratio"]:.2f}**'), ratio(spread(f)), CPU(f),
                              ratio(CPU_RATIO(f)), PEAK(f), SIZE(f), ratio(SIZE_RATIO(f))]) + ' |'


def code(text):
    """A pipe would end the cell."""
    return '`' + text.replace('|', '\\|') + '`'


def circumstances(report):
    """The machine, versions and commands: of a report that tells them."""
    m = report['machine']
    lines = [f'{m["cpu"]} with {m["processors"]} processors, Linux {m["kernel"]}, {m["memory_bytes"] / (1 << 30):.0f} GiB of '
             f'memory; {m["date"][:10]}; rounds: {report["rounds"]}, threads: {report["jobs"]}.', '']
    if report.get('versions'):
        lines += ['| program | version |', '|---|---|',
                  *(f'| {name} | {version} |' for name, version in report['versions'].items()), '']
    if report.get('commands'):
        lines += ['| | | command |', '|---|---|---|',
                  *(f'| {job} | {name} | {code(command)} |' for job, commands in report['commands'].items()
                    for name, command in commands.items()), '']
    return lines


def goals_table(report):
    goals = report.get('goals')
    if not goals:
        return []
    names = list(dict.fromkeys(name for goal in goals for name in goal['got']))
    lines = ['### Against what was asked', '', '| | asked | ' + ' | '.join(names) + ' |',
             '|---|---|' + '---:|' * len(names)]
    for goal in goals:
        cells = [f'{shown(goal, got)}{" met" if got["met"] else " **not met**" if got["met"] is False else ""}' if got else ''
                 for got in (goal['got'].get(name) for name in names)]
        lines.append(f'| {goal["figure"]} | {goal["asked"]} | ' + ' | '.join(cells) + ' |')
    return lines + ['']


def left_out(report):
    if not report.get('left_out'):
        return []
    return ['### Left out', '', *(f'- {entry["what"]}: {entry["why"]}' for entry in report['left_out']), '']
