/*
 * acpi.c: what the firmware says about the machine.
 *
 * Section names are those of the ACPI Specification 6.4.  Nothing is believed
 * before its length and checksum are: a table that fails is as one that is not
 * there.  The one piece of AML that we need, the values of _S5_ for power-off,
 * is found by its bytes; no AML is run.
 */
#include "acpi.h"

#include "lib.h"

#define TABLE_MAX	(1u << 20)	/* bytes; real ones are below 200 kB */
#define ROOT_MAX	128		/* tables that a root may list */
#define LAPIC_DEFAULT	0xfee00000

/* 5.2.6 System Description Table Header */
struct header {
	char	 signature[4];
	uint32_t length;
	uint8_t	 revision, checksum;
	char	 oem[6 + 8 + 4 + 4 + 4];
} packed;
static_assert(sizeof(struct header) == 36, "ACPI 5.2.6");

/* 5.2.5.3 Root System Description Pointer */
struct rsdp {
	char	 signature[8];
	uint8_t	 checksum;
	char	 oem[6];
	uint8_t	 revision;
	uint32_t rsdt;
	uint32_t length;	/* from here on: revision 2 */
	uint64_t xsdt;
	uint8_t	 checksum2, reserved[3];
} packed;
#define RSDP_V1_SIZE 20

/* 5.2.9 Fixed ACPI Description Table, as far as we read it; `at' in comments
 * is the byte offset. */
struct fadt {
	struct header h;
	uint32_t facs, dsdt;		/* at 36 */
	uint8_t	 model, profile;
	uint16_t sci_int;
	uint32_t smi_cmd;		/* at 48 */
	uint8_t	 acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_evt, pm1b_evt;	/* at 56 */
	uint32_t pm1a_cnt, pm1b_cnt;	/* at 64 */
	uint32_t pm2_cnt, pm_timer;	/* at 72 */
	uint8_t	 unused[32];		/* at 80 */
	uint32_t flags;			/* at 112 */
	uint8_t	 reset_space, reset_gas[3];
	uint64_t reset_address;		/* at 120 */
	uint8_t	 reset_value, unused2[3];
	uint64_t x_facs, x_dsdt;	/* at 132 */
} packed;
static_assert(offsetof(struct fadt, flags) == 112, "ACPI 5.2.9");
static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI 5.2.9");
#define FADT_FLAG_RESET (1u << 10)

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static bool sum_is_zero(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *p++);
	return sum == 0;
}

/* A whole table that passes its checks, or NULL. */
static const struct header *table_at(acpi_read_fn *read, paddr_t at)
{
	const struct header *h = at ? read(at, sizeof(*h)) : NULL;

	if (h == NULL || h->length < sizeof(*h) || h->length > TABLE_MAX)
		return NULL;
	h = read(at, h->length);
	if (h == NULL || !sum_is_zero(h, h->length))
		return NULL;
	return h;
}

static const struct rsdp *rsdp_at(acpi_read_fn *read, paddr_t at)
{
	const struct rsdp *r = read(at, RSDP_V1_SIZE);

	if (r == NULL || memcmp(r->signature, "RSD PTR ", 8) != 0 ||
	    !sum_is_zero(r, RSDP_V1_SIZE))
		return NULL;
	if (r->revision < 2)
		return r;
	r = read(at, sizeof(*r));
	if (r == NULL || !sum_is_zero(r, sizeof(*r)))
		return NULL;
	return r;
}

static const struct rsdp *rsdp_search(acpi_read_fn *read, paddr_t from,
				      paddr_t to)
{
	paddr_t at;

	for (at = from; at < to; at += 16) {
		const struct rsdp *r = rsdp_at(read, at);

		if (r != NULL)
			return r;
	}
	return NULL;
}

/* 5.2.5.1 Finding the RSDP on IA-PC Systems */
static const struct rsdp *rsdp_find(acpi_read_fn *read)
{
	const uint8_t *ebda_segment = read(0x40e, 2);
	const struct rsdp *r = NULL;

	if (ebda_segment != NULL) {
		paddr_t ebda = (paddr_t)get16(ebda_segment) << 4;

		if (ebda >= 0x400)
			r = rsdp_search(read, ebda, ebda + 1024);
	}
	return r ? r : rsdp_search(read, 0xe0000, 0x100000);
}

/* 5.2.12.2 Processor Local APIC, 5.2.12.12 Processor Local x2APIC */
static void madt_cpu(struct acpi_info *info, uint32_t id, uint32_t flags)
{
	uint32_t i;

	if (!(flags & 1) || info->nr_cpus == MAX_CPUS)
		return;
	for (i = 0; i < info->nr_cpus; i++)
		if (info->apic_id[i] == id)
			return; /* the boot CPU, or listed in both ways */
	info->apic_id[info->nr_cpus++] = id;
}

/* 5.2.12.3 I/O APIC */
static void madt_ioapic(struct acpi_info *info, const uint8_t *e)
{
	if (info->nr_ioapics == ARRAY_SIZE(info->ioapic))
		return;
	info->ioapic[info->nr_ioapics] = get32(e + 4);
	info->ioapic_gsi[info->nr_ioapics++] = get32(e + 8);
}

/* 5.2.12.5 Interrupt Source Override; "conforms to the bus" is high and edge */
static void madt_override(struct acpi_info *info, const uint8_t *e)
{
	uint16_t flags = get16(e + 8);

	if (e[2] != 0 || e[3] >= ARRAY_SIZE(info->isa))
		return;
	info->isa[e[3]].gsi = get32(e + 4);
	info->isa[e[3]].low = (flags & 3) == 3;
	info->isa[e[3]].level = (flags >> 2 & 3) == 3;
}

/* 5.2.12 Multiple APIC Description Table */
static void parse_madt(struct acpi_info *info, const struct header *h)
{
	static const uint8_t min_len[] = {
		[0] = 8, [1] = 12, [2] = 10, [5] = 12, [9] = 16,
	};
	const uint8_t *p = (const uint8_t *)h, *end = p + h->length;

	if (h->length < 44)
		return;
	info->lapic = get32(p + 36);
	for (p += 44; end - p >= 2 && p[1] >= 2 && p[1] <= end - p; p += p[1]) {
		if (p[0] >= ARRAY_SIZE(min_len) || p[1] < min_len[p[0]])
			continue;
		switch (p[0]) {
		case 0:
			madt_cpu(info, p[3], get32(p + 4));
			break;
		case 1:
			madt_ioapic(info, p);
			break;
		case 2:
			madt_override(info, p);
			break;
		case 5: /* 5.2.12.8 Local APIC Address Override */
			info->lapic = get64(p + 4);
			break;
		case 9:
			madt_cpu(info, get32(p + 4), get32(p + 8));
			break;
		}
	}
}

/* A byte, word or the constants 0 and 1 of AML at *p; -1: something else. */
static int aml_small(const uint8_t **p, const uint8_t *end)
{
	static const uint8_t len[] = {
		[0x00] = 1, [0x01] = 1,	/* ZeroOp, OneOp */
		[0x0a] = 2, [0x0b] = 3, /* BytePrefix, WordPrefix */
	};
	const uint8_t *at = *p;

	if (at >= end || *at >= ARRAY_SIZE(len) || len[*at] == 0 ||
	    end - at < len[*at])
		return -1;
	*p += len[*at];
	return len[*at] == 1 ? at[0] : at[1];
}

/*
 * 20.2.5 Term Objects: NameOp [\] _S5_ PackageOp PkgLength NumElements, then
 * SLP_TYPa and SLP_TYPb (7.4.2).
 */
static bool aml_s5(const uint8_t *name, const uint8_t *start,
		   const uint8_t *end, struct acpi_info *info)
{
	const uint8_t *p = name + 4;
	int a, b;

	if (name - start < 2 || (name[-1] != 0x08 &&
				 (name[-1] != '\\' || name[-2] != 0x08)))
		return false;
	if (end - p < 3 || *p++ != 0x12)
		return false;
	if (end - p < (p[0] >> 6) + 2)
		return false;
	p += (p[0] >> 6) + 1; /* PkgLength: the top bits count more bytes */
	p += 1;
	a = aml_small(&p, end);
	b = aml_small(&p, end);
	if (a < 0)
		return false;
	info->s5_a = a & 7;
	info->s5_b = b < 0 ? 0 : b & 7;
	return true;
}

static void parse_dsdt(struct acpi_info *info, const struct header *h)
{
	const uint8_t *start = (const uint8_t *)(h + 1);
	const uint8_t *end = (const uint8_t *)h + h->length, *p;

	for (p = start; end - p >= 4; p++)
		if (memcmp(p, "_S5_", 4) == 0 && aml_s5(p, start, end, info))
			return;
}

static uint16_t io_port(uint32_t block)
{
	return block <= 0xffff ? (uint16_t)block : 0;
}

static void parse_fadt(acpi_read_fn *read, struct acpi_info *info,
		       const struct header *h)
{
	const struct header *dsdt = NULL;
	struct fadt f = {0}; /* an old table is shorter: zeros for the rest */

	memcpy(&f, h, MIN(h->length, sizeof(f)));
	info->pm_timer_port = io_port(f.pm_timer);
	info->pm1a_cnt = io_port(f.pm1a_cnt);
	info->pm1b_cnt = io_port(f.pm1b_cnt);
	info->smi_cmd = io_port(f.smi_cmd);
	info->acpi_enable = f.acpi_enable;
	if (f.flags & FADT_FLAG_RESET) {
		info->reset_space = f.reset_space;
		info->reset_address = f.reset_address;
		info->reset_value = f.reset_value;
	}
	if (f.x_dsdt != 0)
		dsdt = table_at(read, f.x_dsdt);
	if (dsdt == NULL)
		dsdt = table_at(read, f.dsdt);
	if (dsdt != NULL && memcmp(dsdt->signature, "DSDT", 4) == 0)
		parse_dsdt(info, dsdt);
}

static void parse_table(acpi_read_fn *read, struct acpi_info *info,
			const struct header *h)
{
	const uint8_t *p = (const uint8_t *)h;

	if (memcmp(h->signature, "APIC", 4) == 0) {
		parse_madt(info, h);
	} else if (memcmp(h->signature, "FACP", 4) == 0) {
		parse_fadt(read, info, h);
	} else if (memcmp(h->signature, "HPET", 4) == 0) {
		/* IA-PC HPET Specification 1.0a, 3.2.4: memory space only */
		if (h->length >= 52 && p[40] == 0)
			info->hpet = get64(p + 44);
	} else if (memcmp(h->signature, "MCFG", 4) == 0) {
		/* PCI Firmware Specification, 4.1.2: segment 0 comes first */
		if (h->length >= 60 && get16(p + 52) == 0)
			info->mcfg = get64(p + 44);
	}
}

static void parse_root(acpi_read_fn *read, struct acpi_info *info,
		       const struct header *root, unsigned width)
{
	const uint8_t *p = (const uint8_t *)(root + 1);
	unsigned n = (unsigned)((root->length - sizeof(*root)) / width);
	unsigned i;

	for (i = 0; i < MIN(n, ROOT_MAX); i++, p += width) {
		paddr_t at = width == 8 ? get64(p) : get32(p);
		const struct header *h = table_at(read, at);

		if (h != NULL)
			parse_table(read, info, h);
	}
}

static void set_defaults(struct acpi_info *info, uint32_t boot_apic_id)
{
	unsigned i;

	memset(info, 0, sizeof(*info));
	info->nr_cpus = 1;
	info->apic_id[0] = boot_apic_id;
	info->lapic = LAPIC_DEFAULT;
	info->s5_a = info->s5_b = 0xff;
	for (i = 0; i < ARRAY_SIZE(info->isa); i++)
		info->isa[i].gsi = i;
}

int acpi_parse(acpi_read_fn *read, paddr_t rsdp, uint32_t boot_apic_id,
	       struct acpi_info *info)
{
	const struct rsdp *r = rsdp ? rsdp_at(read, rsdp) : NULL;
	const struct header *root = NULL;
	unsigned width = 8;

	set_defaults(info, boot_apic_id);
	if (r == NULL)
		r = rsdp_find(read);
	if (r == NULL)
		return -ENOENT;
	if (r->revision >= 2)
		root = table_at(read, r->xsdt);
	if (root == NULL) {
		root = table_at(read, r->rsdt);
		width = 4;
	}
	if (root == NULL)
		return -ENOENT;
	parse_root(read, info, root, width);
	return 0;
}
