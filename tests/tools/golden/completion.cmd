# the script is sound, and completes commands, options and files
sluice completion bash >script && bash -n script || exit
complete() {
	bash -c 'source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_sluice; printf "%s:" "$*"; printf " %s" "${COMPREPLY[@]}"; echo' \
		bash "$@"
}
complete sluice ex
complete sluice ''
complete sluice replay --
complete sluice fmt -
complete sluice check we
complete sluice diff web.vfr web-
