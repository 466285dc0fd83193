/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C by ISA-L, and the arithmetic for long runs of zeros. */
#include <isa-l.h>

#include "codec/digest.h"

/* The polynomial, lowest power in the highest bit, as CRCs are kept. */
#define CRC32C_POLY 0x82f63b78u
#define CRC32C_ONE 0x80000000u /* x^0 */
#define CRC32C_X8 0x00800000u  /* x^8: one zero byte */

uint32_t bfci_crc32c_more(uint32_t crc, const void *bytes, size_t len)
{
    /* ISA-L does not write; its parameter only lacks the const. */
    unsigned char *p = (unsigned char *)(uintptr_t)bytes;
    uint32_t state = ~crc;
    while (len > 0) {
        size_t step = MIN(len, (size_t)1 << 30);
        state = crc32_iscsi(p, (int)step, state);
        p += step;
        len -= step;
    }
    return ~state;
}

uint32_t bfci_crc32c(const void *bytes, size_t len)
{
    return bfci_crc32c_more(0, bytes, len);
}

/* a * b modulo the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = CRC32C_ONE; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ CRC32C_POLY : b >> 1; /* times x */
    }
    return product;
}

uint32_t bfci_crc32c_zeros(uint32_t crc, uint64_t count)
{
    uint32_t factor = CRC32C_ONE, power = CRC32C_X8;
    for (; count; count >>= 1) {
        if (count & 1)
            factor = multiply(factor, power);
        power = multiply(power, power);
    }
    return ~multiply(~crc, factor);
}
