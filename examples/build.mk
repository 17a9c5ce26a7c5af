# What the example appliances run that is not built from this tree.  The runner
# asks make for files below build/ that an appliance file names.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice
NGINX := $(B)/examples/nginx
EXAMPLE_FILES := $(NGINX)/vmlinux $(NGINX)/initrd

$(NGINX)/vmlinux: scripts/fetch-guests tests/guests/kernels
	@mkdir -p $(@D)
	@scripts/fetch-guests cloud
	$(call say,COPY,$@)cp $(CACHE)/linux-cloud/vmlinux $@

$(NGINX)/initrd: $(wildcard examples/nginx/*) scripts/mkinitramfs scripts/fetch-packages \
		| $(NGINX)/vmlinux
	@scripts/fetch-packages nginx examples/nginx/packages
	$(call say,CPIO,$@)scripts/mkinitramfs $@ $(CACHE)/linux-cloud/modules \
		$(CACHE)/nginx/root init=examples/nginx/init \
		etc/passwd=examples/nginx/passwd etc/group=examples/nginx/group
