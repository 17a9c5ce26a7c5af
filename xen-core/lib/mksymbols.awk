# From `nm -n` to a table of addresses and names, read by lib/symbols.c.  The
# text comes first in the image, so both links put it at the same addresses; the
# table has the low halves, as distances from the image's start.
$3 == "image_start" { start = substr($1, 9) }
$2 ~ /[tT]/ { at[n] = substr($1, 9); name[n] = $3; n++ }
END {
	print "\t.section .rodata.symbols, \"a\""
	print "\t.globl symbol_table, symbol_count, symbol_names"
	print "\t.balign 4\nsymbol_table:"
	offset = 0
	for (i = 0; i < n; i++) {
		printf "\t.long 0x%s - 0x%s, %d\n", at[i], start, offset
		offset += length(name[i]) + 1
	}
	printf "symbol_count:\t.long %d\nsymbol_names:\n", n
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", name[i]
}
