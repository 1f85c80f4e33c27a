/* AES-256 in IGE mode, decryption in place, by AES-NI: the server's share of a benchmark should be
 * small. Built by native.py when asked for; without it TgCrypto does the same. */
#include <stddef.h>
#include <stdint.h>
#include <wmmintrin.h>

static __m128i widened(__m128i key, __m128i assist) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, assist);
}

#define EVEN(i, rcon) \
    k[i] = widened(k[i - 2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k[i - 1], rcon), 0xff))
#define ODD(i) \
    k[i] = widened(k[i - 2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k[i - 1], 0), 0xaa))

static void expand(const uint8_t *key, __m128i *k) {
    k[0] = _mm_loadu_si128((const __m128i *)key);
    k[1] = _mm_loadu_si128((const __m128i *)(key + 16));
    EVEN(2, 0x01); ODD(3); EVEN(4, 0x02); ODD(5); EVEN(6, 0x04); ODD(7);
    EVEN(8, 0x08); ODD(9); EVEN(10, 0x10); ODD(11); EVEN(12, 0x20); ODD(13); EVEN(14, 0x40);
}

void ige256_decrypt(uint8_t *data, size_t size, const uint8_t *key, const uint8_t *iv) {
    __m128i k[15], d[15];
    expand(key, k);
    d[0] = k[14];
    for (int i = 1; i < 14; i++) d[i] = _mm_aesimc_si128(k[14 - i]);
    d[14] = k[0];
    __m128i cipher = _mm_loadu_si128((const __m128i *)iv);
    __m128i plain = _mm_loadu_si128((const __m128i *)(iv + 16));
    for (uint8_t *p = data; p < data + size; p += 16) {
        __m128i next = _mm_loadu_si128((const __m128i *)p);
        __m128i x = _mm_xor_si128(_mm_xor_si128(next, plain), d[0]);
        for (int i = 1; i < 14; i++) x = _mm_aesdec_si128(x, d[i]);
        plain = _mm_xor_si128(_mm_aesdeclast_si128(x, d[14]), cipher);
        cipher = next;
        _mm_storeu_si128((__m128i *)p, plain);
    }
}
