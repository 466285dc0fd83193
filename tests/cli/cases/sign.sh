# Signing, listing signatures, and asking for them; times are those of the test.
umask 022
mkdir -p d
echo one >d/one
bfc key generate --signing -o alice.key >alice.pub
bfc key generate --signing -o bob.key >bob.pub
bfc key generate -o identity >identity.pub
bfc create a.bfc d
anonymous() { sed 's/:[-_A-Za-z0-9]\{188\}/:SIGNATURE/; s/:[-_A-Za-z0-9]\{48\}/:KEY/g; s/20[0-9-]* [0-9:]\{8\}/TIME/; s/[0-9a-f]\{12\}/DIGEST/'; }
n() { t "$@" >out 2>err; anonymous <out; anonymous <err >&2; }

# What is needed, and what is not taken for it.
n sign a.bfc
n sign --key none a.bfc
n sign --key alice.pub a.bfc
n sign --key identity a.bfc
n verify --require-signature --key alice.pub a.bfc
n verify --key alice.key a.bfc
n verify --key bfc-signer:x a.bfc
n verify --signature alice.pub --key alice.pub a.bfc

# In the container.
n sign -v --key alice.key a.bfc
n sign -v --key alice.key a.bfc
n verify --key alice.pub a.bfc | sed 's/root digest.*; signed/root digest …; signed/'
n verify -q --key bob.pub a.bfc
n cat --key alice.pub a.bfc one
n cat --key bob.pub a.bfc one
n signatures a.bfc

# Beside it.
n sign --key bob.key --detached a.bfc
n sign -v --key bob.key -o a.sig a.bfc
n sign --key bob.key -o a.sig a.bfc
n cat --key bob.pub --signature a.sig a.bfc one

# By name.
{ echo '# people'; echo "alice $(cat alice.pub)"; echo "bob $(cat bob.pub)"; } >trust
n signatures --trust trust a.bfc
export BFC_TRUST_FILE=trust
n list --require-signature a.bfc
echo alice >>trust
n list --require-signature a.bfc
chmod o+w trust
n list --require-signature a.bfc
export BFC_TRUST_FILE=none
n list --require-signature a.bfc
