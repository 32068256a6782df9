#include "sys/quota.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "sys/file.h"
#include "sys/mount.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

// What limits do is tried on the machine, whose state partition has them: tests/vm/test_disk_limits.py.
TEST(Quota, AFileSystemWithoutProjectsSaysSo) {
    test::in_mount_namespace([] {
        const test::TempDir temp;
        ASSERT_TRUE(mount_fs("tmpfs", temp / ""));
        const auto directory = open_path(temp / "", O_RDONLY | O_DIRECTORY);
        ASSERT_TRUE(directory);
        const auto enforced = enforce_project_limits(*directory);
        ASSERT_FALSE(enforced);
        EXPECT_EQ(enforced.error().kind(), Kind::unsupported) << enforced.error().what();
        EXPECT_EQ(project_of(*directory).value_or(7), 0U);
        EXPECT_FALSE(set_project(*directory, 9));
        EXPECT_FALSE(is_free(*directory, 9));
        EXPECT_FALSE(limit_project(*directory, 9, 4096));
    });
}

}  // namespace
}  // namespace diatom::sys
