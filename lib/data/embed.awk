# Turns a text file into a C byte string: -v name=NAME gives vd_data_NAME and vd_data_NAME_len.
# Comment lines (#) and empty lines are left out, so that readers of the data need not know them.
BEGIN {
	gsub(/-/, "_", name)
	print "/* Made by lib/data/embed.awk. */"
	print "#include \"data.h\""
	print "const char vd_data_" name "[] ="
	len = 0
}
/^#/ || /^$/ { next }
{
	len += length($0) + 1
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	gsub(/\?/, "\\?")
	print "\t\"" $0 "\\n\""
}
END { print "\t\"\";\nconst size_t vd_data_" name "_len = " len ";" }
