# From `nm -n` to a table of addresses and names, read by lib/symbols.c.
# Offsets are from the image's start, so that both links give the same.
BEGIN {
	print "\t.section .rodata.symbols, \"a\""
	print "\t.globl symbol_table, symbol_count, symbol_names"
	n = 0
}
$2 ~ /[tT]/ && $3 !~ /^(text_end|\.L)/ { at[n] = $3; n++ }
END {
	print "\t.balign 4\nsymbol_table:"
	offset = 0
	for (i = 0; i < n; i++) {
		printf "\t.long %s - image_start, %d\n", at[i], offset
		offset += length(at[i]) + 1
	}
	printf "symbol_count:\t.long %d\nsymbol_names:\n", n
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", at[i]
}
