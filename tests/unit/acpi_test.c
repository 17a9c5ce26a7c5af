/*
 * ACPI tables: a good set is read in full; each kind of damage loses no more
 * than what it spoils, and nothing outside the memory is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../xen-core/platform/acpi.h"

#define MEMORY	0x100000
#define RSDP	0xf0000
#define RSDT	0x1000
#define XSDT	0x1100
#define MADT	0x1200
#define FADT	0x1400
#define HPET	0x1600
#define MCFG	0x1700
#define DSDT	0x2000

static uint8_t *memory; /* exact in size, so that the sanitizer sees more */

static const void *read_memory(paddr_t at, size_t len)
{
	if (at > MEMORY || len > MEMORY - at)
		return NULL;
	return memory + at;
}

static void put(paddr_t at, const void *bytes, size_t len)
{
	memcpy(memory + at, bytes, len);
}

static void put32(paddr_t at, uint32_t v)
{
	put(at, &v, 4);
}

static void put64(paddr_t at, uint64_t v)
{
	put(at, &v, 8);
}

/* Make the bytes at..at+len sum to 0 by the one at sum_at. */
static void fix_sum(paddr_t at, size_t len, paddr_t sum_at)
{
	uint8_t sum = 0;

	memory[sum_at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[sum_at] = (uint8_t)-sum;
}

static void seal(paddr_t at, const char *signature, uint32_t len)
{
	put(at, signature, 4);
	put32(at + 4, len);
	fix_sum(at, len, at + 9);
}

static void seal_rsdp(uint8_t revision)
{
	put(RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = revision;
	put32(RSDP + 16, RSDT);
	put32(RSDP + 20, 36);
	put64(RSDP + 24, XSDT);
	fix_sum(RSDP, 20, RSDP + 8);
	fix_sum(RSDP, 36, RSDP + 32);
}

static const uint8_t madt_entries[] = {
	0, 8, 0, 3, 1, 0, 0, 0,			/* CPU with APIC id 3 */
	0, 8, 1, 0, 1, 0, 0, 0,			/* 0 */
	0, 8, 2, 9, 0, 0, 0, 0,			/* 9, disabled */
	1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, /* I/O APIC */
	2, 10, 0, 0, 2, 0, 0, 0, 0, 0,		/* ISA 0 is 2 */
	2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,	/* ISA 9: low, level */
	2, 10, 0, 200, 9, 0, 0, 0, 0x0f, 0,	/* no such ISA line */
	9, 16, 0, 0, 0x00, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* x2APIC 256 */
	9, 16, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,       /* 3 again */
	77, 5, 1, 2, 3,				/* unknown */
	5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0, /* the APIC is elsewhere */
};

static const uint8_t s5_package[] = {
	0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0,
};

static void put_madt(const uint8_t *entries, size_t len)
{
	memset(memory + MADT, 0, FADT - MADT);
	put32(MADT + 36, 0xfee00000);
	put(MADT + 44, entries, len);
	seal(MADT, "APIC", (uint32_t)(44 + len));
}

static void put_dsdt(const uint8_t *aml, size_t len)
{
	memset(memory + DSDT, 0, 256);
	put(DSDT + 36 + 10, aml, len);
	seal(DSDT, "DSDT", (uint32_t)(36 + 10 + len));
}

static void put_fadt(void)
{
	put32(FADT + 40, DSDT);
	put32(FADT + 48, 0xb2);
	memory[FADT + 52] = 0xf1;
	put32(FADT + 64, 0x604);
	put32(FADT + 76, 0x608);
	put32(FADT + 112, 1u << 10);
	memory[FADT + 116] = 1;
	put64(FADT + 120, 0xcf9);
	memory[FADT + 128] = 0x0f;
	seal(FADT, "FACP", 244);
}

static int setup(void **state)
{
	static const uint32_t tables[] = { MADT, FADT, HPET, MCFG };

	memory = calloc(1, MEMORY);
	for (unsigned i = 0; i < 4; i++) {
		put32(RSDT + 36 + 4 * i, tables[i]);
		put64(XSDT + 36 + 8 * i, tables[i]);
	}
	seal(RSDT, "RSDT", 36 + 16);
	seal(XSDT, "XSDT", 36 + 32);
	seal_rsdp(2);
	put_madt(madt_entries, sizeof(madt_entries));
	put_dsdt(s5_package, sizeof(s5_package));
	put_fadt();
	put64(HPET + 44, 0xfed00000);
	seal(HPET, "HPET", 56);
	put64(MCFG + 44, 0xb0000000);
	seal(MCFG, "MCFG", 60);
	return 0;
}

static int teardown(void **state)
{
	free(memory);
	return 0;
}

static void check_all(const struct acpi_info *a)
{
	assert_int_equal(a->nr_cpus, 3);
	assert_int_equal(a->apic_id[0], 0); /* the boot CPU first */
	assert_int_equal(a->apic_id[1], 3);
	assert_int_equal(a->apic_id[2], 256);
	assert_int_equal(a->lapic, 0x1fee00000);
	assert_int_equal(a->nr_ioapics, 1);
	assert_int_equal(a->ioapic[0], 0xfec00000);
	assert_int_equal(a->isa[0].gsi, 2);
	assert_false(a->isa[0].low);
	assert_int_equal(a->isa[9].gsi, 9);
	assert_true(a->isa[9].low);
	assert_true(a->isa[9].level);
	assert_int_equal(a->isa[4].gsi, 4);
	assert_int_equal(a->hpet, 0xfed00000);
	assert_int_equal(a->mcfg, 0xb0000000);
	assert_int_equal(a->pm_timer_port, 0x608);
	assert_int_equal(a->pm1a_cnt, 0x604);
	assert_int_equal(a->pm1b_cnt, 0);
	assert_int_equal(a->smi_cmd, 0xb2);
	assert_int_equal(a->acpi_enable, 0xf1);
	assert_int_equal(a->s5_a, 5);
	assert_int_equal(a->s5_b, 1);
	assert_int_equal(a->reset_space, 1);
	assert_int_equal(a->reset_address, 0xcf9);
	assert_int_equal(a->reset_value, 0x0f);
}

static void good_tables(void **state)
{
	struct acpi_info a;

	assert_int_equal(acpi_parse(read_memory, RSDP, 0, &a), 0);
	check_all(&a);
}

static void searched(void **state)
{
	struct acpi_info a;

	assert_int_equal(acpi_parse(read_memory, 0, 0, &a), 0);
	check_all(&a);
	/* What GRUB gave is wrong: search as well. */
	assert_int_equal(acpi_parse(read_memory, ~0ull - 7, 0, &a), 0);
	check_all(&a);
	/* In the EBDA. */
	memcpy(memory + 0x9fc10, memory + RSDP, 36);
	memset(memory + RSDP, 0, 36);
	memory[0x40e] = 0xc0;
	memory[0x40f] = 0x9f;
	assert_int_equal(acpi_parse(read_memory, 0, 0, &a), 0);
	check_all(&a);
}

static void old_root(void **state)
{
	struct acpi_info a;

	seal_rsdp(0); /* XSDT must not be looked at */
	memset(memory + XSDT, 0xff, 64);
	assert_int_equal(acpi_parse(read_memory, RSDP, 0, &a), 0);
	check_all(&a);
	/* A new RSDP whose XSDT is damaged: RSDT instead. */
	seal_rsdp(2);
	assert_int_equal(acpi_parse(read_memory, RSDP, 0, &a), 0);
	check_all(&a);
}

static void defaults(const struct acpi_info *a)
{
	assert_int_equal(a->nr_cpus, 1);
	assert_int_equal(a->apic_id[0], 7);
	assert_int_equal(a->lapic, 0xfee00000);
	assert_int_equal(a->nr_ioapics, 0);
	assert_int_equal(a->s5_a, 0xff);
	assert_int_equal(a->isa[3].gsi, 3);
}

static void nothing_there(void **state)
{
	struct acpi_info a;

	memory[RSDP + 3] ^= 1;
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), -ENOENT);
	defaults(&a);
	memory[RSDP + 3] ^= 1;
	memory[RSDP + 33] ^= 1; /* only the second checksum sees it */
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), -ENOENT);
	seal_rsdp(2);
	memory[RSDT + 20] ^= 1;
	memory[XSDT + 20] ^= 1;
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), -ENOENT);
	defaults(&a);
}

static void a_bad_table_is_left_out(void **state)
{
	struct acpi_info a;

	memory[HPET + 50] ^= 1;
	put32(MCFG + 4, 0x7fffffff); /* longer than memory */
	put64(XSDT + 36, 0);	     /* no MADT */
	seal(XSDT, "XSDT", 36 + 32);
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), 0);
	assert_int_equal(a.nr_cpus, 1);
	assert_int_equal(a.hpet, 0);
	assert_int_equal(a.mcfg, 0);
	assert_int_equal(a.pm1a_cnt, 0x604);
}

/* An old FADT ends early, here with the memory: the rest reads as zeros. */
static void a_short_table_at_the_end(void **state)
{
	paddr_t at = MEMORY - 116;
	struct acpi_info a;

	memcpy(memory + at, memory + FADT, 116);
	put64(XSDT + 44, at);
	seal(at, "FACP", 116);
	seal(XSDT, "XSDT", 36 + 32);
	assert_int_equal(acpi_parse(read_memory, RSDP, 0, &a), 0);
	assert_int_equal(a.pm1a_cnt, 0x604);
	assert_int_equal(a.s5_a, 5);
	assert_int_equal(a.reset_address, 0);
}

/* A root that says it is shorter than its own header lists nothing. */
static void a_root_without_a_body(void **state)
{
	struct acpi_info a;

	seal(XSDT, "XSDT", 16);
	seal(RSDT, "RSDT", 35);
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), -ENOENT);
	seal(XSDT, "XSDT", 36);
	assert_int_equal(acpi_parse(read_memory, RSDP, 7, &a), 0);
	defaults(&a);
}

static void entries_are_bounded(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t len;
		uint32_t cpus;
	} rows[] = {
		{ "length 0 would loop", { 0, 0, 0, 3, 1, 0, 0, 0 }, 8, 1 },
		{ "longer than the table", { 0, 200, 0, 3, 1, 0, 0, 0 }, 8, 1 },
		{ "shorter than its kind", { 0, 7, 0, 3, 1, 0, 0 }, 7, 1 },
		{ "one byte left", { 0, 8, 0, 3, 1, 0, 0, 0, 0 }, 9, 2 },
		{ "good after an unknown one",
		  { 60, 2, 0, 8, 0, 3, 1, 0, 0, 0 }, 10, 2 },
	};
	struct acpi_info a;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put_madt(rows[i].bytes, rows[i].len);
		acpi_parse(read_memory, RSDP, 0, &a);
		if (a.nr_cpus != rows[i].cpus)
			fail_msg("%s: %u CPUs", rows[i].what, a.nr_cpus);
	}
}

static void more_cpus_than_we_know(void **state)
{
	uint8_t entries[256 * 2] = {0};
	struct acpi_info a;

	put32(MADT + 36, 0xfee00000);
	for (unsigned i = 0; i < sizeof(entries) / 8; i++) {
		entries[8 * i + 1] = 8;
		entries[8 * i + 3] = (uint8_t)(i + 1);
		entries[8 * i + 4] = 1;
	}
	/* 64 others: one does not fit. */
	memcpy(memory + 0x3000 + 44, entries, sizeof(entries));
	put32(0x3000 + 36, 0xfee00000);
	seal(0x3000, "APIC", 44 + sizeof(entries));
	put64(XSDT + 36, 0x3000);
	seal(XSDT, "XSDT", 36 + 32);
	acpi_parse(read_memory, RSDP, 0, &a);
	assert_int_equal(a.nr_cpus, MAX_CPUS);
}

static void sleep_values(void **state)
{
	static const struct {
		const char *what;
		uint8_t aml[20];
		size_t len;
		uint8_t a, b;
	} rows[] = {
		{ "with a root prefix",
		  { 0x08, '\\', '_', 'S', '5', '_', 0x12, 5, 2, 0x0a, 6, 0x0a,
		    7 }, 13, 6, 7 },
		{ "two-byte package length",
		  { 0x08, '_', 'S', '5', '_', 0x12, 0x40, 0x01, 4, 0, 0, 0 },
		  12, 0, 0 },
		{ "a word", { 0x08, '_', 'S', '5', '_', 0x12, 9, 4, 0x0b, 5, 0,
		    0x0a, 5, 0 }, 14, 5, 5 },
		{ "no name before it", { 'x', '_', 'S', '5', '_', 0x12, 6, 4,
		    0x0a, 5, 0x0a, 5 }, 12, 0xff, 0xff },
		{ "no package", { 0x08, '_', 'S', '5', '_', 0x11, 6, 4, 0x0a, 5,
		    0x0a, 5 }, 12, 0xff, 0xff },
		{ "cut off after the name", { 0x08, '_', 'S', '5', '_' }, 5,
		  0xff, 0xff },
		{ "cut off in the length", { 0x08, '_', 'S', '5', '_', 0x12,
		    0xc0, 1 }, 8, 0xff, 0xff },
		{ "cut off before the count", { 0x08, '_', 'S', '5', '_', 0x12,
		    0x40, 1 }, 8, 0xff, 0xff },
		{ "cut off in the value", { 0x08, '_', 'S', '5', '_', 0x12, 6,
		    4, 0x0a }, 9, 0xff, 0xff },
	};
	struct acpi_info a;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put_dsdt(rows[i].aml, rows[i].len);
		acpi_parse(read_memory, RSDP, 0, &a);
		if (a.s5_a != rows[i].a || a.s5_b != rows[i].b)
			fail_msg("%s: %u %u", rows[i].what, a.s5_a, a.s5_b);
	}
}

/* Any byte of any table changed, with the checksums made right again. */
static void no_byte_is_trusted(void **state)
{
	static const struct {
		paddr_t at;
		uint32_t len;
	} tables[] = {
		{ XSDT, 68 }, { MADT, 44 + sizeof(madt_entries) },
		{ FADT, 244 }, { HPET, 56 }, { DSDT, 59 },
	};
	struct acpi_info a;

	srandom(4);
	for (int n = 0; n < 20000; n++) {
		unsigned t = (unsigned)random() % ARRAY_SIZE(tables);
		paddr_t at = tables[t].at + (uint64_t)random() % tables[t].len;
		uint8_t old = memory[at];
		uint32_t len;

		memory[at] = (uint8_t)random();
		memcpy(&len, memory + tables[t].at + 4, 4);
		if (len >= 36 && len <= MEMORY - tables[t].at)
			fix_sum(tables[t].at, len, tables[t].at + 9);
		acpi_parse(read_memory, RSDP, 0, &a);
		assert_in_range(a.nr_cpus, 1, MAX_CPUS);
		assert_in_range(a.nr_ioapics, 0, ARRAY_SIZE(a.ioapic));
		memory[at] = old;
		fix_sum(tables[t].at, tables[t].len, tables[t].at + 9);
	}
	acpi_parse(read_memory, RSDP, 0, &a);
	check_all(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(good_tables),		T(searched),
		T(old_root),		T(nothing_there),
		T(a_bad_table_is_left_out), T(entries_are_bounded),
		T(a_short_table_at_the_end), T(a_root_without_a_body),
		T(more_cpus_than_we_know),  T(sleep_values),
		T(no_byte_is_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
