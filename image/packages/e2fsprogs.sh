# The state partition's file system: make, check, grow. Without translations, libarchive and the rarely used parts.
fetch_source e2fsprogs
make_musl_compiler
cd src/e2fsprogs
configure --disable-nls --disable-debugfs --disable-imager --disable-defrag --disable-uuidd --disable-fsck \
    --disable-e2initrd-helper --disable-tdb --disable-testio-debug --disable-bmap-stats --disable-elf-shlibs \
    --without-libarchive --enable-libuuid --enable-libblkid --without-udev-rules-dir --without-crond-dir \
    --without-systemd-unit-dir
compile libs
compile -C misc mke2fs
compile -C e2fsck e2fsck
compile -C resize resize2fs
install_program misc/mke2fs
install_program e2fsck/e2fsck
install_program resize/resize2fs
ln -s mke2fs "$out/usr/bin/mkfs.ext4"
ln -s e2fsck "$out/usr/bin/fsck.ext4"
install -D -m 644 /dev/stdin "$out/usr/share/diatom/etc/mke2fs.conf" <<'CONF'
[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384

[fs_types]
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,metadata_csum_seed,64bit,dir_nlink,extra_isize,orphan_file,verity
	}
	small = {
		inode_ratio = 4096
	}
CONF
