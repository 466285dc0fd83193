# SPDX-License-Identifier: Apache-2.0
"""The figures as tables, for the terminal and for docs/performance.md. Ratios are of bfc to the others: below 1 is less
time, or fewer bytes, than theirs."""
from measure import MIB


def title(answer):
    if 'tree' in answer:
        return f'{answer["tree"]}: {answer["files"]:,} files, {answer["content_bytes"] / MIB:,.0f} MiB'
    return (f'{answer["image"]}: {answer["layers"]} layers, {answer["coding"]}, {answer["layers_bytes"] / MIB:,.0f} MiB, '
            f'{answer["tar_bytes"] / MIB:,.0f} MiB unpacked')


def jobs_of(answer):
    return {job: f for job, f in answer.items() if isinstance(f, dict) and 'bfc' in f}


def told_of_weight(answer):
    """What an image's container consists of, in percent."""
    w, size = answer['weight'], answer['weight']['size']
    parts = {'contents of files': w['contents'], 'recipes': w['recipes'], 'tables': sum(w['tables'].values()),
             'the rest': w['other_blobs'] + w['rest']}
    return (f'container: {size / answer["layers_bytes"]:.3f} of the layers as they came; of it '
            + ', '.join(f'{name} {100 * n / size:.2f} %' for name, n in parts.items()))


def print_table(answer):
    print(f'\n{title(answer)}')
    for job, figures in jobs_of(answer).items():
        print(f'  {job:<30} {"seconds":>8} {"bfc/it":>7} {"spread":>13} {"CPU s":>8} {"bfc/it":>7} '
              f'{"peak MiB":>9} {"MiB":>8} {"bfc/it":>7}')
        for name, f in figures.items():
            spread = f['bfc_time_ratios']
            cpu = f'{f["cpu_median"]:8.3f} {f["bfc_cpu_ratio"]:7.2f}' if f['cpu_median'] else ' ' * 16
            peak = f'{f["peak_bytes"] / MIB:9.0f}' if f['peak_bytes'] else ''
            size = f' {f["size_bytes"] / MIB:8.1f} {f["bfc_size_ratio"]:7.3f}' if 'size_bytes' in f else ''
            print(f'    {name:<28} {f["seconds_median"]:8.3f} {f["bfc_time_ratio"]:7.2f} '
                  f'{min(spread):6.2f}–{max(spread):<6.2f} {cpu} {peak}{size}', flush=True)
    if 'weight' in answer:
        print(f'  {told_of_weight(answer)}', flush=True)


def markdown(report):
    lines = []
    for answer in report['trees'] + report['images']:
        lines += [f'### {title(answer)}', '',
                  '| | time, s | **bfc : it** | (rounds) | CPU, s | bfc : it | peak, MiB | size, MiB | bfc : it |',
                  '|---|---:|---:|---|---:|---:|---:|---:|---:|']
        for job, figures in jobs_of(answer).items():
            lines.append(f'| **{job}** | | | | | | | | |')
            lines += [markdown_row(name, f) for name, f in figures.items()]
        if 'weight' in answer:
            lines += ['', told_of_weight(answer).capitalize() + '.']
        lines.append('')
    return '\n'.join(lines)


def markdown_row(name, f):
    spread = f'{min(f["bfc_time_ratios"]):.2f}–{max(f["bfc_time_ratios"]):.2f}' if name != 'bfc' else ''
    ratio = f'**{f["bfc_time_ratio"]:.2f}**' if name != 'bfc' else ''
    cpu = [f'{f["cpu_median"]:.2f}', f'{f["bfc_cpu_ratio"]:.2f}' if name != 'bfc' else ''] \
        if f['cpu_median'] else ['', '']
    peak = f'{f["peak_bytes"] / MIB:.0f}' if f['peak_bytes'] else ''
    size = [f'{f["size_bytes"] / MIB:.1f}', f'{f["bfc_size_ratio"]:.3f}' if name != 'bfc' else ''] \
        if 'size_bytes' in f else ['', '']
    return '| ' + ' | '.join([name, f'{f["seconds_median"]:.2f}', ratio, spread, *cpu, peak, *size]) + ' |'
