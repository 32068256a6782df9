#include "engine/process_list.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace diatom::engine {
namespace {

using Strings = std::vector<std::string>;

Strings titles(std::string_view options) {
    const auto columns = parse_ps(options);
    EXPECT_TRUE(columns) << options << ": " << columns.error().what();
    Strings found;
    for (const auto& column : columns.value_or(std::vector<ProcessColumn>())) found.push_back(column.title);
    return found;
}

TEST(ParsePs, KnowsTheFormatsThatPeopleWrite) {
    const Strings full{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};
    EXPECT_EQ(titles(""), full);
    EXPECT_EQ(titles("-ef"), full);
    EXPECT_EQ(titles("aux"),
              (Strings{"USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"}));
    EXPECT_EQ(titles("-eopid,user"), (Strings{"PID", "USER"}));
    EXPECT_EQ(titles("-A -o pid=NUMBER,args"), (Strings{"NUMBER", "COMMAND"}));
    EXPECT_EQ(titles("axo pid,comm -o etime"), (Strings{"PID", "COMMAND", "ELAPSED"}));
}

TEST(ParsePs, RefusesByName) {
    const auto refused = [](std::string_view options, Kind kind, std::string_view says) {
        const auto columns = parse_ps(options);
        ASSERT_FALSE(columns) << options;
        EXPECT_EQ(columns.error().kind(), kind);
        EXPECT_TRUE(columns.error().what().contains(says)) << columns.error().what();
    };
    refused("--forest", Kind::unsupported, "\"-\"");
    refused("-o pid,wchan", Kind::unsupported, "wchan");
    refused("-eo", Kind::invalid, "list of columns");
    refused("-o user,args", Kind::invalid, "PID field");
}

TEST(ListProcesses, ShowsEveryColumnOfThisProcess) {
    const auto columns = parse_ps(
        "-eo "
        "pid,ppid,user,uid,gid,group,c,pcpu,pmem,stime,start,time,etime,etimes,tt,tname,stat,s,pgid,sid,vsz,rss,nlwp,"
        "comm,args");
    ASSERT_TRUE(columns);
    const auto table = list_processes("", ::getpid(), *columns);
    ASSERT_TRUE(table) << table.error().what();
    const auto own =
        std::ranges::find(table->rows, std::to_string(::getpid()), [](const auto& row) { return row.front(); });
    ASSERT_NE(own, table->rows.end());
    ASSERT_EQ(own->size(), table->titles.size());
    EXPECT_EQ((*own)[1], std::to_string(::getppid()));
    EXPECT_EQ((*own)[3], std::to_string(::getuid()));
    EXPECT_TRUE(own->back().contains("engine_test")) << own->back();
    for (std::size_t i = 0; i < own->size(); ++i) EXPECT_FALSE((*own)[i].empty()) << table->titles[i];
}

}  // namespace
}  // namespace diatom::engine
