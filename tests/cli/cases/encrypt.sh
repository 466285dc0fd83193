# Encrypted containers with a key file: what is told with and without it. Passwords: test_password.py.
make_tree tree
printf '01234567890123456789012345678901' >key
printf 'another key file of 32 bytes, no' >other
chmod 600 key other
t create -e --key-file key a.bfc tree
t info a.bfc | sed -E 's/^(uuid|size|time|root digest): .*/\1: …/'
t info --key-file key a.bfc | sed -E 's/^(uuid|size|time|root digest|data stored): .*/\1: …/'
t info --json a.bfc | sed -E 's/"(uuid|size|time|root_digest|offset|segment_bytes)": .*/"\1": …/'
t log a.bfc | sed -E 's/^( +1) .{21}/\1  DATE /; s/[0-9a-f]{12}$/…/'
t list a.bfc
t list --key-file key a.bfc
t list --key-file other a.bfc
t cat --key-file key a.bfc etc/motd
t extract --key-file key a.bfc -C out etc
t verify a.bfc | sed 's/[0-9]* encrypted blocks/N encrypted blocks/'
t verify --quiet --deep --key-file key a.bfc
t append --key-file key a.bfc key
t append a.bfc key
t compact --key-file key a.bfc -o b.bfc
t list --key-file key b.bfc key

# What makes no sense.
t create --key-file key c.bfc tree
t create --recipient none c.bfc tree
t create -e c.bfc tree
t create -e --recipient none c.bfc tree
t create -e --recipient bfc-recipient:cut c.bfc tree
t create -e --key-file tree/etc/motd c.bfc tree
t create -e --reproducible --key-file key c.bfc tree
t create c.bfc tree
t append --key-file key c.bfc key
t list --password-fd x c.bfc

# Slots.
t key list a.bfc | sed -E 's/[0-9]{4}-[0-9: -]{14}/DATE                /'
t key add --key-file key --new-key-file other a.bfc
t key remove --key-file other a.bfc 0
t key remove --key-file other --json a.bfc 1
t key list --json a.bfc | sed -E 's/"time": .*/"time": …/'
t key rotate --key-file other a.bfc
t list --key-file other a.bfc key
