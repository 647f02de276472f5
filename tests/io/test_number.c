/* Numbers as files store them: what is none of a standard kind is refused, and no value changes. */
#include <stdlib.h>

#include "core/suite.h"
#include "io/hdf5/h5number.h"

/* The value of an integer or float of a file's type, as the functions below see it. */
typedef struct seen {
    bool known, is_i64, is_f64;
    int64_t i64;
    double f64;
} seen;

static seen look(hid_t type, const void *stored)
{
    bp__h5number number;
    seen s = {.known = bp__h5_number_of(type, &number)};
    if (!s.known) return s;
    s.is_i64 = bp__h5_to_i64(&number, stored, &s.i64);
    s.is_f64 = bp__h5_to_f64(&number, stored, &s.f64);
    return s;
}

static void test_integers(void)
{
    const struct {
        hid_t type;
        const char *stored; /* the first bytes count */
        int64_t value;
    } cases[] = {
        {H5T_STD_I8LE, "\xff", -1},
        {H5T_STD_U8BE, "\xff", 255},
        {H5T_STD_I16LE, "\x02\x80", -32766},
        {H5T_STD_I16BE, "\x80\x02", -32766},
        {H5T_STD_U16BE, "\x80\x02", 32770},
        {H5T_STD_I32LE, "\xfe\xff\xff\xff", -2},
        {H5T_STD_U32LE, "\xfe\xff\xff\xff", 4294967294},
        {H5T_STD_U32BE, "\x00\x00\x01\x02", 258},
        {H5T_STD_I64LE, "\x00\x00\x00\x00\x00\x00\x00\x80", INT64_MIN},
        {H5T_STD_I64BE, "\x01\x02\x03\x04\x05\x06\x07\x08", 0x0102030405060708},
        {H5T_STD_U64LE, "\xff\xff\xff\xff\xff\xff\xff\x7f", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const seen s = look(cases[i].type, cases[i].stored);
        CU_ASSERT(s.known && s.is_i64);
        CU_ASSERT_EQUAL(s.i64, cases[i].value);
    }
}

/* What int64_t does not hold is no value, and not another one. */
static void test_too_large(void)
{
    const uint64_t top = UINT64_C(1) << 63, below = top - 1;
    CU_ASSERT(!look(H5T_STD_U64LE, &top).is_i64);
    CU_ASSERT(!look(H5T_STD_U64LE, &top).is_f64);
    CU_ASSERT(look(H5T_STD_U64LE, &below).is_i64);
    CU_ASSERT(!look(H5T_STD_U64LE, &below).is_f64); /* between two doubles */
}

static void test_exact_doubles(void)
{
    static const struct {
        int64_t value;
        bool exact;
    } cases[] = {{0, true},
                 {-7, true},
                 {INT64_C(1) << 53, true},
                 {(INT64_C(1) << 53) + 1, false},
                 {-(INT64_C(1) << 53) - 1, false},
                 {(INT64_C(1) << 53) + 2, true},
                 {INT64_MIN, true},
                 {INT64_MAX, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const seen s = look(H5T_STD_I64LE, &cases[i].value);
        CU_ASSERT(s.is_i64 && s.i64 == cases[i].value);
        CU_ASSERT_EQUAL(s.is_f64, cases[i].exact);
        if (s.is_f64) CU_ASSERT_EQUAL(s.f64, (double)cases[i].value);
    }
}

static void test_floats(void)
{
    const seen wide = look(H5T_IEEE_F64LE, "\x00\x00\x00\x00\x00\x00\xf8\xbf"),
               turned = look(H5T_IEEE_F64BE, "\xbf\xf8\x00\x00\x00\x00\x00\x00"),
               narrow = look(H5T_IEEE_F32LE, "\x00\x00\xc0\xbf"),
               narrow_turned = look(H5T_IEEE_F32BE, "\xbf\xc0\x00\x00");
    CU_ASSERT(wide.is_f64 && turned.is_f64 && narrow.is_f64 && narrow_turned.is_f64);
    CU_ASSERT(wide.f64 == -1.5 && turned.f64 == -1.5 && narrow.f64 == -1.5 && narrow_turned.f64 == -1.5);
    CU_ASSERT(!wide.is_i64 && !narrow.is_i64);
}

/* Types that libhdf5 knows how to read, each in its own way. */
static hid_t precision(void)
{
    const hid_t type = H5Tcopy(H5T_STD_I32LE);
    return H5Tset_precision(type, 24) >= 0 ? type : -1;
}
static hid_t offset(void)
{
    const hid_t type = H5Tcopy(H5T_STD_U64LE);
    return H5Tset_precision(type, 32) >= 0 && H5Tset_offset(type, 16) >= 0 ? type : -1;
}
static hid_t three_bytes(void)
{
    const hid_t type = H5Tcopy(H5T_STD_I32LE);
    return H5Tset_precision(type, 24) >= 0 && H5Tset_size(type, 3) >= 0 ? type : -1;
}
static hid_t vax(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    return H5Tset_order(type, H5T_ORDER_VAX) >= 0 ? type : -1;
}
static hid_t half_float(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    const bool set = H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_precision(type, 16) >= 0 &&
                     H5Tset_size(type, 2) >= 0 && H5Tset_ebias(type, 15) >= 0;
    return set ? type : -1;
}
static hid_t other_bias(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    return H5Tset_ebias(type, 1022) >= 0 ? type : -1;
}
static hid_t text(void)
{
    return H5Tcopy(H5T_C_S1);
}
static hid_t bits(void)
{
    return H5Tcopy(H5T_STD_B64LE);
}

static void test_other_kinds(void)
{
    static hid_t (*const make[])(void) = {precision,  offset,     three_bytes, vax,
                                          half_float, other_bias, text,        bits};
    static const char zeros[16];
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        const hid_t type = make[i]();
        CU_ASSERT_FATAL(type >= 0);
        CU_ASSERT(!look(type, zeros).known);
        H5Tclose(type);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"integers", test_integers},           {"too large", test_too_large},
                           {"exact doubles", test_exact_doubles}, {"floats", test_floats},
                           {"other kinds", test_other_kinds},     CU_TEST_INFO_NULL};
    return suite_main("number", tests);
}
