/* SPDX-License-Identifier: Apache-2.0 */
/* Each step looks at five bytes and changes the last four, and leaves what it looks for as it was:
 * so the steps can be undone one by one, in the other order. They are done from the end to the
 * start and undone from the start to the end, which lets a reader begin before it has all. */
#include "codec/branch.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/cursor.h"

enum {
    BRANCH_SIZE = 5,   /* E8 or E9, and 32 bits */
    HIGH_BYTE = 4,     /* where the distance's high byte stands */
    STRIDE = 16,       /* positions that are looked at together */
    WINDOW = 64,       /* ... and that are kept in mind, a bit each */
    NEAR = 3,          /* positions on one side whose look a step changes */
    DISTANCE_BITS = 25 /* of the distance that count: the others are copies of the highest */
};

static bool is_opcode(uint8_t byte)
{
    return (byte & 0xfe) == 0xe8;
}

static bool is_branch(const uint8_t *at)
{
    return is_opcode(at[0]) && (at[HIGH_BYTE] == 0x00 || at[HIGH_BYTE] == 0xff);
}

/* A bit for each of the positions from here on that is one. */
#ifdef __SSE2__
static uint64_t branches_at(const uint8_t *at)
{
    const __m128i one = _mm_set1_epi8(1);
    __m128i opcode = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(at + HIGH_BYTE));

    opcode =
        _mm_cmpeq_epi8(_mm_and_si128(opcode, _mm_set1_epi8((char)0xfe)), _mm_set1_epi8((char)0xe8));
    high = _mm_add_epi8(high, one); /* 0 or 1 */
    high = _mm_cmpeq_epi8(_mm_min_epu8(high, one), high);
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(opcode, high));
}
#else
static uint64_t branches_at(const uint8_t *at)
{
    uint64_t found = 0;

    for (unsigned i = 0; i < STRIDE; i++)
        found |= (uint64_t)is_branch(at + i) << i;
    return found;
}
#endif

static uint64_t branches_in_window(const uint8_t *at)
{
    return branches_at(at) | branches_at(at + STRIDE) << STRIDE |
           branches_at(at + 2 * STRIDE) << 2 * STRIDE | branches_at(at + 3 * STRIDE) << 3 * STRIDE;
}

static void move(uint8_t *at, uint32_t by)
{
    const uint32_t sign = UINT32_C(1) << (DISTANCE_BITS - 1);
    uint32_t value = (get_u32le(at + 1) + by) & (2 * sign - 1);

    put_u32le(at + 1, (value ^ sign) - sign);
}

static bool has_opcode(const uint8_t near[NEAR])
{
    return is_opcode(near[0]) || is_opcode(near[1]) || is_opcode(near[2]);
}

/* What a step writes stands where the steps before it found their high bytes: only those close by
 * have to be looked at again, and only where an opcode is. Bits of other windows fall off: these
 * are looked at when their turn comes. */
static uint64_t look_before(const uint8_t *window, unsigned i, uint64_t found)
{
    for (unsigned q = i - MIN(i, (unsigned)NEAR); q < i; q++) {
        found &= ~(UINT64_C(1) << q);
        found |= (uint64_t)is_branch(window + q) << q;
    }
    return found;
}

/* What a step writes may be an opcode now, or no more. The last byte that it writes is none. */
static uint64_t look_behind(const uint8_t *window, unsigned i, uint64_t found)
{
    for (unsigned q = i + 1; q <= MIN(i + NEAR, (unsigned)WINDOW - 1); q++)
        found |= (uint64_t)is_branch(window + q) << q;
    return found;
}

void bfci_branches_to_positions(uint8_t *bytes, size_t len)
{
    size_t end = len < BRANCH_SIZE ? 0 : len - BRANCH_SIZE + 1; /* all below are yet to be seen */

    for (; end >= WINDOW + NEAR; end -= WINDOW) {
        uint8_t *window = bytes + end - WINDOW;
        uint64_t found = branches_in_window(window);
        while (found) {
            unsigned i = WINDOW - 1 - (unsigned)__builtin_clzll(found);
            move(window + i, (uint32_t)(end - WINDOW + i));
            found &= ~(UINT64_C(1) << i);
            if (has_opcode(window + i - NEAR))
                found = look_before(window, i, found);
        }
    }
    while (end-- > 0)
        if (is_branch(bytes + end))
            move(bytes + end, (uint32_t)end);
}

void bfci_branches_from_positions(uint8_t *bytes, size_t len)
{
    const uint64_t written = 0x1f; /* a step's own position, and those of the bytes that it wrote */
    size_t at = 0;

    for (; at + WINDOW + HIGH_BYTE <= len; at += WINDOW) {
        uint8_t *window = bytes + at;
        uint64_t found = branches_in_window(window);
        while (found) {
            unsigned i = (unsigned)__builtin_ctzll(found);
            move(window + i, -(uint32_t)(at + i));
            found &= ~(written << i);
            if (has_opcode(window + i + 1))
                found = look_behind(window, i, found);
        }
    }
    for (; at + BRANCH_SIZE <= len; at++)
        if (is_branch(bytes + at))
            move(bytes + at, -(uint32_t)at);
}

bool bfci_is_elf(const uint8_t *head, size_t len)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F'};
    return len >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

bool bfci_has_branches(const uint8_t *head, size_t len)
{
    enum {
        DATA = 5,
        LITTLE_ENDIAN_DATA = 1,
        MACHINE = 18,
        EM_386 = 3,
        EM_X86_64 = 62
    };

    if (len < MACHINE + 2 || !bfci_is_elf(head, len) || head[DATA] != LITTLE_ENDIAN_DATA)
        return false;
    unsigned machine = get_u16le(head + MACHINE);
    return machine == EM_386 || machine == EM_X86_64;
}
