# Key pairs and keys as text.
umask 022
bfc key generate -o me.key >me.pub
sed 's/:[-_A-Za-z0-9]\{48\}$/:KEY/' me.pub
stat -c %a me.key
sed 's/:[-_A-Za-z0-9]\{48\}$/:KEY/' me.key
bfc key public me.key | cmp - me.pub && echo the same
t key generate -o me.key
t key generate --signing --json -o sign.key | sed 's/:[-_A-Za-z0-9]\{48\}"/:KEY"/'
t key generate 2>err | sed 's/:[-_A-Za-z0-9]\{48\}$/:KEY/'
sed 's/:[-_A-Za-z0-9]\{48\}$/:KEY/' err >&2
t key generate --json
t key generate -o none/me.key
t key

# The same text as another program makes of the same bytes.
printf 'bfc-identity:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9Oed1G\n' >known.key
chmod 600 known.key
t key public known.key
chmod 640 known.key
t key public known.key --json
printf 'bfc-identity:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9Oed1H\n' >cut.key
chmod 600 cut.key
t key public cut.key
chmod 600 me.pub
t key public me.pub
t key public none.key
