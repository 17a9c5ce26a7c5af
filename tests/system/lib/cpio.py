"""Archives as `cpio -o -H newc` makes them: ramdisks for guests of the kit."""


def entry(name, data, mode):
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
    return padded(head) + padded(data)


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def archive(contents):
    """contents: {name: bytes}"""
    return b"".join(entry(name, data, 0o100644)
                    for name, data in contents.items()) + \
        entry("TRAILER!!!", b"", 0)
