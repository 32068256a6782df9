#cloud-boothook
#!/bin/sh
