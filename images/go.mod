module c2d.oceanprotocol.com/images

go 1.25.0
